"""Still images: the sample of a package, a picture to try a model on."""

from pathlib import Path

import numpy as np
from av import VideoFrame
from PIL import Image, ImageOps, UnidentifiedImageError

from cad.analysis.ingest.picture import AvPicture
from cad.base.errors import BadValueError

MAX_BYTES = 64 * 1024 * 1024
MAX_PIXELS = 64 * 1024 * 1024
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF")


def open_picture(path: Path) -> AvPicture:
    """Return the image in `path`, the way up that it is meant to be seen.

    Raises:
        BadValueError: it is absent, too large, damaged, or no image of a known format.
    """
    try:
        return AvPicture(VideoFrame.from_ndarray(_rgb(path), format="rgb24"))
    except UnidentifiedImageError as error:
        raise _refusal(path, f"expected an image ({', '.join(FORMATS)})") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _refusal(path, f"image cannot be read: {error}") from error


def _rgb(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return the pixels of `path`, (H, W, 3) uint8 RGB."""
    if (size := path.stat().st_size) > MAX_BYTES:
        raise _refusal(path, f"expected at most {MAX_BYTES} bytes, the file has {size}")
    with Image.open(path, formats=FORMATS) as image:
        # Checked on the header: a few bytes can announce gigabytes of pixels.
        if image.width * image.height > MAX_PIXELS:
            given = f"{image.width} x {image.height}"
            raise _refusal(path, f"expected at most {MAX_PIXELS} pixels, the image has {given}")
        return np.array(ImageOps.exif_transpose(image).convert("RGB"))


def _refusal(path: Path, expected: str) -> BadValueError:
    return BadValueError(expected, field=path.name)
