from django.apps import AppConfig


class ViberdashConfig(AppConfig):
    name = "viberdash"

    def ready(self) -> None:
        from viberdash.moving import guard

        guard.watch_connections()
