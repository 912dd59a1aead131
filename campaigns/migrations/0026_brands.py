"""Brands: what belongs to a team gets one, and everything of before belongs to the first."""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import campaigns.shared.brands.scope

BRANDED = (
    "budgetwarning",
    "approvallimit",
    "campaign",
    "campaigntemplate",
    "contactlist",
    "import",
    "importschedule",
    "label",
    "monthlybudget",
    "person",
    "picture",
    "savedreport",
    "segment",
    "sender",
    "testgroup",
    "userbudget",
)


def brand_field(**options):
    return models.ForeignKey(
        db_default=models.Value(1),
        default=campaigns.shared.brands.scope.brand_of_new,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="campaigns.brand",
        **options,
    )


def make_the_first_brand(apps, schema_editor):
    brands = apps.get_model("campaigns", "Brand").objects.using(schema_editor.connection.alias)
    brands.create(pk=campaigns.shared.brands.scope.MAIN, name="Main", slug="main")
    if schema_editor.connection.vendor == "postgresql":  # the next one has the next number
        schema_editor.execute(
            "SELECT setval(pg_get_serial_sequence('campaigns_brand', 'id'), max(id))"
            " FROM campaigns_brand"
        )


def drop_search_triggers(apps, schema_editor):
    """SQLite cannot copy a table that triggers name. They are made again after the migrations."""
    if schema_editor.connection.vendor == "sqlite":
        for trigger in ("contact_search_delete", "contact_search_update"):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {trigger}")


def name_persons_by_id(apps, schema_editor):
    """Topics named the phone, which is no longer unique."""
    schema_editor.execute(
        "UPDATE campaigns_topicpreference SET owner_id = (SELECT person.id"
        " FROM campaigns_person person"
        " WHERE person.msisdn = campaigns_topicpreference.msisdn)"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0025_approval"),
    ]

    operations = [
        migrations.CreateModel(
            name="Brand",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("slug", models.SlugField(max_length=30, unique=True, verbose_name="short name")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name": "brand",
                "verbose_name_plural": "brands",
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("viewer", "Viewer"),
                            ("marketer", "Marketer"),
                            ("approver", "Approver"),
                            ("administrator", "Administrator"),
                        ],
                        max_length=13,
                        verbose_name="role",
                    ),
                ),
            ],
            options={
                "verbose_name": "membership",
                "verbose_name_plural": "memberships",
            },
        ),
        migrations.AddConstraint(
            model_name="brand",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("name"), name="brand_name"
            ),
        ),
        migrations.RunPython(make_the_first_brand, migrations.RunPython.noop),
        migrations.AddField(
            model_name="membership",
            name="brand",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="memberships",
                to="campaigns.brand",
            ),
        ),
        migrations.AddField(
            model_name="membership",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="memberships",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(
                models.F("user"), models.F("brand"), name="membership_once"
            ),
        ),
        migrations.AddField(
            model_name="topicpreference",
            name="owner",
            field=models.ForeignKey(
                null=True,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="campaigns.person",
            ),
        ),
        migrations.RunPython(name_persons_by_id, migrations.RunPython.noop),
        migrations.RemoveConstraint(model_name="topicpreference", name="topic_preference_once"),
        migrations.RemoveField(model_name="topicpreference", name="person"),
        migrations.RenameField(model_name="topicpreference", old_name="owner", new_name="person"),
        migrations.AlterField(
            model_name="topicpreference",
            name="person",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="topics",
                to="campaigns.person",
            ),
        ),
        migrations.AddConstraint(
            model_name="topicpreference",
            constraint=models.UniqueConstraint(
                models.F("person"), models.F("topic"), name="topic_preference_once"
            ),
        ),
        migrations.RunPython(drop_search_triggers, migrations.RunPython.noop),
        migrations.RemoveConstraint(
            model_name="label",
            name="label_name",
        ),
        migrations.RemoveConstraint(model_name="budgetwarning", name="budget_warning_once"),
        migrations.RemoveConstraint(
            model_name="userbudget",
            name="user_budget_once",
        ),
        migrations.AlterField(
            model_name="approvallimit",
            name="currency",
            field=models.CharField(max_length=3, verbose_name="currency"),
        ),
        migrations.AlterField(
            model_name="campaigntemplate",
            name="name",
            field=models.CharField(max_length=100, verbose_name="name"),
        ),
        migrations.AlterField(
            model_name="contactlist",
            name="name",
            field=models.CharField(max_length=100, verbose_name="name"),
        ),
        migrations.AlterField(
            model_name="monthlybudget",
            name="currency",
            field=models.CharField(max_length=3, verbose_name="currency"),
        ),
        migrations.AlterField(
            model_name="person",
            name="msisdn",
            field=models.CharField(max_length=15, verbose_name="phone"),
        ),
        migrations.AlterField(
            model_name="segment",
            name="name",
            field=models.CharField(max_length=100, verbose_name="name"),
        ),
        migrations.AlterField(
            model_name="sender",
            name="name",
            field=models.CharField(max_length=14, verbose_name="sender"),
        ),
        migrations.AlterField(
            model_name="stoplistentry",
            name="msisdn",
            field=models.CharField(max_length=15, verbose_name="phone"),
        ),
        migrations.AlterField(
            model_name="testgroup",
            name="name",
            field=models.CharField(max_length=100, verbose_name="name"),
        ),
        *(
            migrations.AddField(model_name=model, name="brand", field=brand_field())
            for model in BRANDED
        ),
        migrations.AddField(
            model_name="stoplistentry",
            name="brand",
            field=brand_field(null=True, blank=True),
        ),
        migrations.AddConstraint(
            model_name="approvallimit",
            constraint=models.UniqueConstraint(
                models.F("brand"), models.F("currency"), name="approval_limit_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="campaigntemplate",
            constraint=models.UniqueConstraint(
                models.F("brand"), models.F("name"), name="template_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="contactlist",
            constraint=models.UniqueConstraint(
                models.F("brand"), models.F("name"), name="contact_list_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="label",
            constraint=models.UniqueConstraint(
                models.F("brand"), django.db.models.functions.text.Lower("name"), name="label_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="monthlybudget",
            constraint=models.UniqueConstraint(
                models.F("brand"), models.F("currency"), name="monthly_budget_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="person",
            constraint=models.UniqueConstraint(
                models.F("msisdn"), models.F("brand"), name="person_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=models.UniqueConstraint(
                models.F("brand"), models.F("name"), name="segment_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="sender",
            constraint=models.UniqueConstraint(
                models.F("brand"), models.F("name"), name="sender_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="stoplistentry",
            constraint=models.UniqueConstraint(
                models.F("msisdn"), models.F("brand"), name="stop_list_phone"
            ),
        ),
        migrations.AddConstraint(
            model_name="stoplistentry",
            constraint=models.UniqueConstraint(
                models.F("msisdn"),
                condition=models.Q(("brand", None)),
                name="stop_list_phone_of_all",
            ),
        ),
        migrations.AddConstraint(
            model_name="testgroup",
            constraint=models.UniqueConstraint(
                models.F("brand"), models.F("name"), name="test_group_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="userbudget",
            constraint=models.UniqueConstraint(
                models.F("user"), models.F("brand"), models.F("currency"), name="user_budget_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="budgetwarning",
            constraint=models.UniqueConstraint(
                models.F("brand"),
                models.F("scope"),
                models.F("period"),
                models.F("percent"),
                name="budget_warning_once",
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="role",
            field=models.CharField(
                blank=True,
                choices=[
                    ("viewer", "Viewer"),
                    ("marketer", "Marketer"),
                    ("approver", "Approver"),
                    ("administrator", "Administrator"),
                ],
                default="marketer",
                max_length=13,
                verbose_name="role",
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, drop_search_triggers),  # on the way back
    ]
