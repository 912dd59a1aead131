"""API keys that brands have of their own."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0032_api_tokens'),
    ]

    operations = [
        migrations.CreateModel(
            name='BrandKey',
            fields=[
                ('brand', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='own_key', serialize=False, to='campaigns.brand', verbose_name='brand')),
                ('encrypted', models.TextField(editable=False)),
                ('kind', models.CharField(max_length=5)),
                ('set_at', models.DateTimeField()),
                ('set_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'API key of a brand',
                'verbose_name_plural': 'API keys of brands',
            },
        ),
    ]
