"""Plainer names in Python. Tables and columns keep theirs: versions before and after run together."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0002_room_for_outcomes")]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameModel("SavedMessage", "CampaignTemplate"),
                migrations.AlterModelTable("CampaignTemplate", "campaigns_savedmessage"),
                migrations.RenameField("Segment", "met", "match"),
                migrations.AlterField(
                    "Segment",
                    "match",
                    models.CharField(
                        choices=[("all", "all of these"), ("any", "any of these")],
                        db_column="met",
                        default="all",
                        max_length=3,
                        verbose_name="people who meet",
                    ),
                ),
                migrations.RenameField("Condition", "asks", "kind"),
                migrations.AlterField(
                    "Condition",
                    "kind",
                    models.CharField(
                        choices=[
                            ("field", "Merge tag"),
                            ("country", "Country"),
                            ("list", "List"),
                            ("import", "Import"),
                            ("messages", "Messages they got"),
                        ],
                        db_column="asks",
                        max_length=8,
                    ),
                ),
                migrations.RenameField("Batch", "sent_at", "intended_at"),
                migrations.AlterField(
                    "Batch",
                    "intended_at",
                    models.DateTimeField(db_column="sent_at", null=True),
                ),
                migrations.RenameField("Campaign", "approval_seal", "approval_fingerprint"),
                migrations.AlterField(
                    "Campaign",
                    "approval_fingerprint",
                    models.CharField(blank=True, db_column="approval_seal", max_length=64),
                ),
            ]
        )
    ]
