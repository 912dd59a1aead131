"""Wordings of consent, and the history of each person's consent.

What persons have agreed to so far becomes the first record of each.
"""

import campaigns.shared.brands.scope
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


FIRST_RECORDS = """
    INSERT INTO campaigns_consentrecord
        (person_id, consent, day, source, recorded_at, recorded_by_id, token, is_undo)
    SELECT id, consent, consent_on, consent_source, updated_at, updated_by_id, '', false
    FROM campaigns_person WHERE consent <> 'unknown' ORDER BY id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0043_holds_and_follow_ups'),
    ]

    operations = [
        migrations.AddField(
            model_name='import',
            name='consents',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='importundo',
            name='consent_position',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='importundo',
            name='consents',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='brand',
            name='promotional_needs_consent',
            field=models.BooleanField(db_default=False, default=False, verbose_name='promotional messages only with consent'),
        ),
        migrations.AddField(
            model_name='snapshot',
            name='without_consent',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.CreateModel(
            name='ConsentWording',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField(verbose_name='wording')),
                ('fingerprint', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('brand', models.ForeignKey(db_default=models.Value(1), default=campaigns.shared.brands.scope.brand_of_new, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.brand')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='ConsentRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('consent', models.CharField(choices=[('unknown', 'Unknown'), ('given', 'Given'), ('withdrawn', 'Withdrawn')], max_length=9, verbose_name='consent')),
                ('day', models.DateField(null=True, verbose_name='consent date')),
                ('source', models.CharField(blank=True, max_length=200, verbose_name='consent source')),
                ('recorded_at', models.DateTimeField()),
                ('token', models.CharField(blank=True, max_length=20)),
                ('is_undo', models.BooleanField(default=False)),
                ('imported', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='campaigns.import')),
                ('person', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='consent_records', to='campaigns.person')),
                ('recorded_by', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('wording', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='campaigns.consentwording')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.AddField(
            model_name='person',
            name='consent_wording',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='campaigns.consentwording'),
        ),
        migrations.AddConstraint(
            model_name='consentwording',
            constraint=models.UniqueConstraint(models.F('brand'), models.F('fingerprint'), name='wording_once'),
        ),
        migrations.RunSQL(FIRST_RECORDS, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='consentrecord',
            index=models.Index(models.F('person'), models.F('id'), name='consent_record_person'),
        ),
        migrations.AddIndex(
            model_name='consentrecord',
            index=models.Index(models.F('imported'), models.F('id'), condition=models.Q(('imported__isnull', False)), name='consent_record_import'),
        ),
    ]
