"""Whose money it is: balances, prices, and what the ledger has without a campaign."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0009_gateway_accounts'),
    ]

    operations = [
        migrations.AddField(
            model_name='balancereading',
            name='account',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.gatewayaccount'),
        ),
        migrations.AddField(
            model_name='ledgerentry',
            name='account',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='campaigns.gatewayaccount'),
        ),
        migrations.AddField(
            model_name='ledgertotal',
            name='account',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='campaigns.gatewayaccount'),
        ),
        migrations.AddField(
            model_name='pricelist',
            name='account',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.gatewayaccount'),
        ),
    ]
