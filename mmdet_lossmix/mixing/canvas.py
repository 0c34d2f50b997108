"""Canvases that hold images of different sizes, and images laid out for speed."""

from typing import Iterator, Optional, Sequence, Tuple, Union

import cv2
import numpy as np

OPENCV_DTYPES = ('uint8', 'uint16', 'int16', 'float32', 'float64')


def canvas_shape(*shapes: Sequence[int]) -> Tuple[int, int]:
    """The smallest (H, W) that holds images of all ``shapes``, each (H, W, ...)."""
    return max(s[0] for s in shapes), max(s[1] for s in shapes)


def cells(*shapes: Sequence[int]) -> Iterator[Tuple[slice, slice]]:
    """Cut a canvas where an image ends: each image covers a cell or does not."""
    rows, columns = (sorted({0, *(s[axis] for s in shapes)}) for axis in (0, 1))
    for row in zip(rows, rows[1:]):
        for column in zip(columns, columns[1:]):
            yield slice(*row), slice(*column)


def cut_out(
    image: np.ndarray,
    cell: Tuple[slice, slice],
    canvas: np.ndarray,
    pad_val: Union[float, Sequence[float]],
) -> np.ndarray:
    """A cell of an image, or of the padding around it."""
    if cell[0].stop <= image.shape[0] and cell[1].stop <= image.shape[1]:
        return image[cell]
    padding = np.empty_like(canvas[cell])
    padding[...] = pad_val
    return padding


def pad_to(
    array: np.ndarray, shape: Tuple[int, int], pad_val: Union[float, Sequence[float]]
) -> np.ndarray:
    """Pad an image or a map (H, W[, C]) at its bottom and right to ``shape``.

    Returns:
        np.ndarray: ``array`` itself if it has that shape already, else a new array.
    """
    if array.shape[:2] == tuple(shape):
        return array
    canvas = np.empty((*shape, *array.shape[2:]), array.dtype)
    canvas[...] = pad_val
    canvas[: array.shape[0], : array.shape[1]] = array
    return canvas


def in_c_order(image: np.ndarray, out: Optional[np.ndarray] = None) -> np.ndarray:
    """Lay an image out row by row.

    RandomFlip leaves a mirrored view, which numpy and OpenCV's arithmetic would copy
    pixel by pixel, ten times slower than flipping it.

    Args:
        image (np.ndarray): Shape (H, W) or (H, W, C).
        out (np.ndarray, optional): Of the same shape and dtype, to be written.

    Returns:
        np.ndarray: ``out``; without it a new array, or ``image`` if it lies so already.
    """
    if out is None:
        if image.flags.c_contiguous:
            return image
        out = np.empty(image.shape, image.dtype)
    if image.strides[1] < 0 and image.dtype.name in OPENCV_DTYPES:
        cv2.flip(image[:, ::-1], 1, out)
    else:
        np.copyto(out, image)
    return out


def check_alike(image: np.ndarray, partner: np.ndarray) -> None:
    """Refuse two images that differ in dtype or channels.

    Raises:
        ValueError: If they do.
    """
    if image.dtype != partner.dtype or image.shape[2:] != partner.shape[2:]:
        raise ValueError(
            'Expected both images to have the same dtype and channels but got '
            f'{image.dtype} {image.shape} and {partner.dtype} {partner.shape}; load '
            'all images alike (`color_type` and `to_float32` of LoadImageFromFile).'
        )
