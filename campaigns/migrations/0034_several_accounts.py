"""Prices and balances of several accounts: what was unique is so for each account."""

from django.db import migrations, models
from django.db.models.functions import Coalesce


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0033_brand_keys'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='pricelist',
            name='price_list_channel_tariff',
        ),
        migrations.AddConstraint(
            model_name='pricelist',
            constraint=models.UniqueConstraint(models.F('channel'), models.F('tariff'), Coalesce('account', 0), name='price_list_of_account'),
        ),
        migrations.AlterField(
            model_name='balancereading',
            name='hour',
            field=models.DateTimeField(),
        ),
        migrations.AddConstraint(
            model_name='balancereading',
            constraint=models.UniqueConstraint(models.F('hour'), Coalesce('account', 0), name='balance_of_hour'),
        ),
    ]
