"""Precision and recall of persons: the product's own path beside the vendor's plain model.

`python -m benchmarks.accuracy GROUND_TRUTH [CLIP]`; the ground truth has lines
`frame,id,x,y,w,h,use`.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np

from benchmarks.detection_scores import Corners, Scores, read_ground_truth, score
from benchmarks.installed import CLIP, model_of, open_package
from benchmarks.textbook import TextbookNanoDet
from cad.analysis.engines.onnx_engine import OnnxEngine
from cad.analysis.ingest.picture import AvPicture

PACKAGES = {"fp32": "person_detect_fp32", "INT8": "person_detect"}
THRESHOLD = 0.5

Detector = Callable[[av.VideoFrame], Corners]


def main() -> None:
    """Print the accuracy on the files named on the command line."""
    arguments = _parser().parse_args()
    report(arguments.ground_truth, arguments.clip)


def report(ground_truth: Path, clip: Path = CLIP) -> None:
    """Print one line for each model, run by the product and plain."""
    truth = read_ground_truth(ground_truth)
    print(f"{len(truth)} frames, {sum(map(len, truth.values()))} persons, threshold {THRESHOLD}")
    for name, package in PACKAGES.items():
        with TemporaryDirectory() as folder:
            product = detector(open_package(package, Path(folder)))
        plain = _textbook(TextbookNanoDet(model_of(package)))
        print(f"{name:5} product {_line(product, truth, clip)}")
        print(f"{name:5} plain   {_line(plain, truth, clip)}")


def measure(detect: Detector, truth: dict[int, Corners], clip: Path) -> Scores:
    """Return the scores of `detect` on the pictures of `truth`."""
    found = {index: detect(frame) for index, frame in pictures(clip) if index in truth}
    return score(truth, found)


def detector(engine: OnnxEngine) -> Detector:
    """Return the product's path from a decoded frame to the corners of its boxes."""

    def detect(frame: av.VideoFrame) -> Corners:
        picture = AvPicture(frame)
        size = (picture.width, picture.height)
        boxes = engine.infer([picture.planes(engine.layout)], [size], THRESHOLD)[0]
        return boxes[:, :4].astype(np.float64)

    return detect


def pictures(clip: Path) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yield index and frame of every picture of the clip."""
    with av.open(clip) as container:
        yield from enumerate(container.decode(video=0))


def _textbook(model: TextbookNanoDet) -> Detector:
    return lambda frame: model.detect(frame, THRESHOLD)[:, :4]


def _line(detect: Detector, truth: dict[int, Corners], clip: Path) -> str:
    scores = measure(detect, truth, clip)
    return f"precision {scores.precision:.3f} recall {scores.recall:.3f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ground_truth", type=Path)
    parser.add_argument("clip", type=Path, nargs="?", default=CLIP)
    return parser


if __name__ == "__main__":
    main()
