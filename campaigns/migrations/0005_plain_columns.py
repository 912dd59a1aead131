"""Fields with plain names. The columns keep theirs: the database stays as it is."""

from django.db import migrations, models

import campaigns.shared.money


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0004_plain_texts'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField('budgetwarning', 'words', 'text'),
                migrations.AlterField(
                    model_name='budgetwarning',
                    name='text',
                    field=models.CharField(db_column='words', max_length=200),
                ),
                migrations.RenameField('sampledstatus', 'said', 'reported_amount'),
                migrations.AlterField(
                    model_name='sampledstatus',
                    name='reported_amount',
                    field=campaigns.shared.money.AmountField(db_column='said', null=True),
                ),
                migrations.RenameField('sampledstatus', 'status_said', 'reported_status'),
                migrations.AlterField(
                    model_name='sampledstatus',
                    name='reported_status',
                    field=models.CharField(blank=True, db_column='status_said', max_length=30),
                ),
            ]
        )
    ]
