"""Keeps the events that the platform received, as files to look at."""

import json
import shutil
from pathlib import Path

from cad.sim.annotate import annotate
from cad.sim.demo.scene import areas_of
from cad.wire.event import EventDocument


class Gallery:
    """A folder with each event as JSON, its picture, its crop, and the picture drawn upon."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def keep(self, event: EventDocument) -> None:
        """Write one event."""
        name = f"{event.task_id}-{event.sequence:04d}-{event.event_type.lower()}"
        full, crop = event.images.full.jpeg(), event.images.crop.jpeg()
        drawn = annotate(event, full, areas_of(event.event_type))
        (self.folder / f"{name}.jpg").write_bytes(full)
        (self.folder / f"{name}-crop.jpg").write_bytes(crop)
        (self.folder / f"{name}-annotated.jpg").write_bytes(drawn)
        document = event.model_copy(update={"images": type(event.images)()}).to_wire()
        text = json.dumps(document, ensure_ascii=False, indent=2)
        (self.folder / f"{name}.json").write_text(text, encoding="utf-8")
