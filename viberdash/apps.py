from django.apps import AppConfig


class ViberdashConfig(AppConfig):
    name = "viberdash"

    def ready(self) -> None:
        from viberdash.moving import guard
        from viberdash.observation import error_reports

        guard.watch_connections()
        error_reports.start_if_set()
