"""What a run tells people while it goes on, and whom it tells itself. Part of `Run`."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from trackio.errands import Errands
from trackio.model import ALERT, RUN, TOLD, Json
from trackio.origin import About
from trackio.settings import Settings
from trackio.values.arguments import AlertLevel, clean_level, clean_step
from trackio.values.plain import dump_text

if TYPE_CHECKING:
    from trackio.writer.open import WritePath


class WithAlerts:
    """A run that raises alerts; a webhook is told in the background."""

    _about: About
    _errands: Errands
    _path: "WritePath | None"
    _settings: Settings
    _append: Callable[..., int | None]
    _reopen: Callable[[], "WritePath"]

    def alert(  # noqa: PLR0917 - the released Trackio has them in this order
        self,
        title: str,
        text: str | None = None,
        level: AlertLevel | str = AlertLevel.WARN,
        step: int | None = None,
        webhook_url: str | None = None,
        wait_duration: Any = None,
    ) -> None:
        """Tell people something, at `level` "info", "warn" or "error".

        `webhook_url`, or that of `init`, is told at once, in the background. `wait_duration` is
        accepted for wandb's sake: every alert is kept.
        """
        del wait_duration
        path = self._path or self._reopen()
        last = path.writer.next_step - 1
        warn = path.writer.warn_once
        at, where = clean_level(level, warn), clean_step(step, warn)
        where = last if where is None else where
        said = {"level": at, "text": None if text is None else str(text)}
        url = self._webhook_for(at, webhook_url, warn)
        if url is None:
            self._append(ALERT, {str(title): Json(dump_text(said))}, where)
        else:
            self._tell_webhook(url, str(title), said, where)

    def _webhook_for(
        self, level: AlertLevel, given: str | None, warn: Callable[[str, str], None]
    ) -> str | None:
        """Whom this process tells of an alert itself, if anybody."""
        url = given or self._about.webhook_url
        order = list(AlertLevel)
        least = AlertLevel(self._about.webhook_min_level)
        if not url or self._settings.mode != "online":
            return None
        if given is None and order.index(level) < order.index(least):
            return None
        if not url.startswith(("http://", "https://")):
            warn("webhook_url=", "webhook_url= is no http(s) URL: nobody is told")
            return None
        return url

    def _tell_webhook(
        self, url: str, title: str, said: Mapping[str, Any], step: int | None
    ) -> None:
        """Keep the alert, tell of it, and keep that it was told, so that no job tells again."""
        from trackio.telling import digest_of, tell

        digest = digest_of(url)
        seq = self._append(ALERT, {title: Json(dump_text({**said, "webhook": digest}))}, step)
        path = self._path
        if seq is None or path is None:
            return
        writer = path.writer

        def act() -> None:
            tell(url, writer.header, seq=seq, title=title, said=said, step=step)
            told = Json(dump_text({"seq": seq, "webhook": digest}))
            with suppress(Exception):  # sealed meanwhile: then a job may tell it a second time
                writer.append(RUN, {TOLD: told})

        self._errands.start("telling the webhook of an alert", act)
