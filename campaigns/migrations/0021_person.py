"""Persons: what belongs to a phone and not to a list. Segments can ask for it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0020_field_types'),
    ]

    operations = [
        # other choices of a form, which the database does not know
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name='condition',
                    name='kind',
                    field=models.CharField(choices=[('field', 'Merge tag'), ('country', 'Country'), ('list', 'List'), ('import', 'Import'), ('messages', 'Message history'), ('consent', 'Consent'), ('language', 'Language'), ('topic', 'Topic')], db_column='asks', max_length=8),
                ),
            ]
        ),
        migrations.CreateModel(
            name='Person',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('msisdn', models.CharField(max_length=15, unique=True, verbose_name='phone')),
                ('consent', models.CharField(choices=[('unknown', 'Unknown'), ('given', 'Given'), ('withdrawn', 'Withdrawn')], default='unknown', max_length=9, verbose_name='consent')),
                ('consent_on', models.DateField(blank=True, null=True, verbose_name='consent date')),
                ('consent_source', models.CharField(blank=True, max_length=200, verbose_name='consent source')),
                ('language', models.CharField(blank=True, max_length=35, verbose_name='language')),
                ('notes', models.TextField(blank=True, verbose_name='notes')),
                ('version', models.PositiveIntegerField(default=0)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('updated_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'person',
                'verbose_name_plural': 'persons',
            },
        ),
        migrations.CreateModel(
            name='TopicPreference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('topic', models.CharField(max_length=50, verbose_name='topic')),
                ('wanted', models.BooleanField(verbose_name='wanted')),
                ('person', models.ForeignKey(db_column='msisdn', db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='topics', to='campaigns.person', to_field='msisdn')),
            ],
            options={
                'verbose_name': 'topic of a person',
                'verbose_name_plural': 'topics of persons',
                'ordering': ['topic'],
                'indexes': [models.Index(models.F('topic'), name='topic_preference_topic')],
                'constraints': [models.UniqueConstraint(models.F('person'), models.F('topic'), name='topic_preference_once')],
            },
        ),
    ]
