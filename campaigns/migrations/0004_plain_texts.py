"""Labels and choices in plain English. They stand in no column: the database stays as it is."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0003_plain_names'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterModelOptions(
                    name='balancereading',
                    options={'ordering': ['-hour'], 'verbose_name': 'balance reading', 'verbose_name_plural': 'balance readings'},
                ),
                migrations.AlterModelOptions(
                    name='evidence',
                    options={'ordering': ['-id'], 'verbose_name': 'gateway response', 'verbose_name_plural': 'gateway responses'},
                ),
                migrations.AlterModelOptions(
                    name='pace',
                    options={'verbose_name': 'send rate', 'verbose_name_plural': 'send rates'},
                ),
                migrations.AlterModelOptions(
                    name='picture',
                    options={'ordering': ['-id'], 'verbose_name': 'image', 'verbose_name_plural': 'images'},
                ),
                migrations.AlterModelOptions(
                    name='reportdelivery',
                    options={'ordering': ['-id'], 'verbose_name': 'report delivery', 'verbose_name_plural': 'report deliveries'},
                ),
                migrations.AlterModelOptions(
                    name='statushint',
                    options={'verbose_name': 'status hint', 'verbose_name_plural': 'status hints'},
                ),
                migrations.AlterModelOptions(
                    name='userbudget',
                    options={'ordering': ['user__username', 'currency'], 'verbose_name': 'user budget', 'verbose_name_plural': 'user budgets'},
                ),
                migrations.AlterField(
                    model_name='batch',
                    name='state',
                    field=models.CharField(choices=[('ready', 'Ready'), ('leased', 'Claimed'), ('sending', 'Being sent'), ('ambiguous', 'Outcome unknown'), ('done', 'Done')], default='ready', max_length=9),
                ),
                migrations.AlterField(
                    model_name='campaign',
                    name='button_caption',
                    field=models.CharField(blank=True, max_length=20, verbose_name='button caption'),
                ),
                migrations.AlterField(
                    model_name='campaign',
                    name='exclude_lists',
                    field=models.ManyToManyField(blank=True, related_name='+', to='campaigns.contactlist', verbose_name='excluded lists'),
                ),
                migrations.AlterField(
                    model_name='campaign',
                    name='exclude_segments',
                    field=models.ManyToManyField(blank=True, related_name='+', to='campaigns.segment', verbose_name='excluded segments'),
                ),
                migrations.AlterField(
                    model_name='campaign',
                    name='image',
                    field=models.FileField(blank=True, upload_to='pictures/', verbose_name='image'),
                ),
                migrations.AlterField(
                    model_name='campaign',
                    name='image_url',
                    field=models.CharField(blank=True, max_length=255, verbose_name='image URL'),
                ),
                migrations.AlterField(
                    model_name='campaign',
                    name='rate',
                    field=models.PositiveIntegerField(blank=True, null=True, verbose_name='send rate per second'),
                ),
                migrations.AlterField(
                    model_name='campaign',
                    name='sends_from',
                    field=models.TimeField(blank=True, null=True, verbose_name='sending hours from'),
                ),
                migrations.AlterField(
                    model_name='campaign',
                    name='sends_until',
                    field=models.TimeField(blank=True, null=True, verbose_name='sending hours until'),
                ),
                migrations.AlterField(
                    model_name='campaign',
                    name='timing',
                    field=models.CharField(choices=[('now', 'Now'), ('at', 'Schedule'), ('local', "At the recipient's local time"), ('gateway', "Schedule at the gateway (can't be cancelled)")], default='now', max_length=7, verbose_name='timing'),
                ),
                migrations.AlterField(
                    model_name='campaign',
                    name='validity',
                    field=models.PositiveIntegerField(default=86400, verbose_name='validity period'),
                ),
                migrations.AlterField(
                    model_name='condition',
                    name='kind',
                    field=models.CharField(choices=[('field', 'Merge tag'), ('country', 'Country'), ('list', 'List'), ('import', 'Import'), ('messages', 'Message history')], db_column='asks', max_length=8),
                ),
                migrations.AlterField(
                    model_name='condition',
                    name='operator',
                    field=models.CharField(blank=True, choices=[('is', 'is'), ('is_not', 'is not'), ('contains', 'contains'), ('starts', 'starts with'), ('more', 'is more than'), ('less', 'is less than'), ('filled', 'is not empty'), ('empty', 'is empty')], max_length=8, verbose_name='condition'),
                ),
                migrations.AlterField(
                    model_name='condition',
                    name='outcome',
                    field=models.CharField(blank=True, choices=[('all', 'All recipients'), ('sent', 'Sent'), ('delivered', 'Delivered'), ('read', 'Read'), ('not_delivered', 'Not delivered'), ('refused', 'Refused')], max_length=13, verbose_name='outcome'),
                ),
                migrations.AlterField(
                    model_name='earliercampaign',
                    name='outcome',
                    field=models.CharField(choices=[('all', 'All recipients'), ('sent', 'Sent'), ('delivered', 'Delivered'), ('read', 'Read'), ('not_delivered', 'Not delivered'), ('refused', 'Refused')], default='all', max_length=13),
                ),
                migrations.AlterField(
                    model_name='import',
                    name='state',
                    field=models.CharField(choices=[('reading', 'Opening file'), ('uploaded', 'Choose columns'), ('checking', 'Checking'), ('checked', 'Checked'), ('queued', 'Queued'), ('running', 'Importing'), ('finished', 'Finished'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='uploaded', max_length=9),
                ),
                migrations.AlterField(
                    model_name='savedreport',
                    name='kind',
                    field=models.CharField(choices=[('csv', 'CSV'), ('xlsx', 'XLSX')], default='xlsx', max_length=4, verbose_name='file format'),
                ),
                migrations.AlterField(
                    model_name='savedreport',
                    name='rhythm',
                    field=models.CharField(choices=[('never', 'Not by e-mail'), ('daily', 'Every day'), ('weekly', 'Every Monday'), ('monthly', 'On the first of each month')], default='never', max_length=7, verbose_name='e-mail schedule'),
                ),
                migrations.AlterField(
                    model_name='segment',
                    name='match',
                    field=models.CharField(choices=[('all', 'all conditions'), ('any', 'any condition')], db_column='met', default='all', max_length=3, verbose_name='contacts who meet'),
                ),
                migrations.AlterField(
                    model_name='userbudget',
                    name='user',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user'),
                ),
            ]
        )
    ]
