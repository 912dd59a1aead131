"""Fields of lists get a type, and conditions the operators for them."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("campaigns", "0019_contacts_of_no_list"),
    ]

    operations = [
        migrations.AddField(
            model_name="contactlist",
            name="field_types",
            field=models.JSONField(blank=True, null=True),
        ),
        # The database knows nothing of the choices.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="condition",
                    name="operator",
                    field=models.CharField(
                        blank=True,
                        choices=[
                            ("is", "is"),
                            ("is_not", "is not"),
                            ("contains", "contains"),
                            ("starts", "starts with"),
                            ("more", "is more than"),
                            ("less", "is less than"),
                            ("filled", "is not empty"),
                            ("empty", "is empty"),
                            ("at_least", "is at least"),
                            ("at_most", "is at most"),
                            ("on", "is on"),
                            ("before", "is before"),
                            ("after", "is after"),
                            ("last", "is in the last … days"),
                            ("next", "is in the next … days"),
                            ("today", "is today, in any year"),
                            ("yes", "is yes"),
                            ("no", "is no"),
                        ],
                        max_length=8,
                        verbose_name="condition",
                    ),
                ),
            ],
        ),
    ]
