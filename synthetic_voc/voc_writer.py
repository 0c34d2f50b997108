"""Write scenes as Pascal VOC stores its own: a JPEG, an XML file, lists of ids."""

from __future__ import annotations

from pathlib import Path
from typing import Iterable

import cv2

from .scene import Annotation, Scene

_IMAGE_XML = """\
<annotation>
\t<folder>{folder}</folder>
\t<filename>{image_id}.jpg</filename>
\t<source>
\t\t<database>mmdet_lossmix synthetic</database>
\t\t<annotation>drawn, not labelled</annotation>
\t\t<image>drawn</image>
\t</source>
\t<size>
\t\t<width>{width}</width>
\t\t<height>{height}</height>
\t\t<depth>3</depth>
\t</size>
\t<segmented>0</segmented>
{objects}</annotation>
"""

_OBJECT_XML = """\
\t<object>
\t\t<name>{name}</name>
\t\t<pose>Unspecified</pose>
\t\t<truncated>{truncated:d}</truncated>
\t\t<difficult>{difficult:d}</difficult>
\t\t<bndbox>
\t\t\t<xmin>{xmin}</xmin>
\t\t\t<ymin>{ymin}</ymin>
\t\t\t<xmax>{xmax}</xmax>
\t\t\t<ymax>{ymax}</ymax>
\t\t</bndbox>
\t</object>
"""


def _object_xml(entry: Annotation) -> str:
    # VOC counts pixels from 1 and names the first and the last pixel of a box. Ours
    # counts from 0 and ends after the last one; so only the first pixel moves.
    left, top, right, bottom = entry.box
    return _OBJECT_XML.format(
        name=entry.name,
        truncated=entry.truncated,
        difficult=entry.difficult,
        xmin=left + 1,
        ymin=top + 1,
        xmax=right,
        ymax=bottom,
    )


def annotation_xml(scene: Scene, folder: str, image_id: str) -> str:
    """The text of the annotation file of a scene."""
    height, width = scene.image.shape[:2]
    return _IMAGE_XML.format(
        folder=folder,
        image_id=image_id,
        width=width,
        height=height,
        objects=''.join(map(_object_xml, scene.annotations)),
    )


def write_scene(scene: Scene, devkit: Path, year: str, image_id: str) -> None:
    """Write the picture and the annotation file of a scene into ``devkit/year``."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, scene.jpeg_quality]
    _, jpeg = cv2.imencode('.jpg', scene.image, quality)
    folder = devkit / year
    (folder / 'JPEGImages' / f'{image_id}.jpg').write_bytes(jpeg.tobytes())
    (folder / 'Annotations' / f'{image_id}.xml').write_bytes(
        annotation_xml(scene, year, image_id).encode()
    )


def make_folders(devkit: Path, years: Iterable[str]) -> None:
    """Create the empty folders of a devkit."""
    for year in years:
        for folder in ('Annotations', 'JPEGImages', 'ImageSets/Main'):
            (devkit / year / folder).mkdir(parents=True)


def write_image_set(devkit: Path, year: str, name: str, ids: Iterable[str]) -> None:
    """Write ``ImageSets/Main/name.txt``."""
    path = devkit / year / 'ImageSets' / 'Main' / f'{name}.txt'
    path.write_bytes(''.join(f'{image_id}\n' for image_id in ids).encode())
