"""Canvases that hold images of different sizes, and images laid out for speed."""

from typing import Any, Iterator, Optional, Sequence, Tuple, Union

import cv2
import numpy as np

from mmdet_lossmix.functional import blend_images

OPENCV_DTYPES = ('uint8', 'uint16', 'int16', 'float32', 'float64')


def canvas_shape(*shapes: Sequence[int]) -> Tuple[int, int]:
    """The smallest (H, W) that holds images of all ``shapes``, each (H, W, ...)."""
    return max(s[0] for s in shapes), max(s[1] for s in shapes)


def regions(*shapes: Sequence[int]) -> Iterator[Tuple[slice, slice]]:
    """Cut a canvas where an image ends: an image covers a region, or does not."""
    rows, columns = (sorted({0, *(s[axis] for s in shapes)}) for axis in (0, 1))
    for row in zip(rows, rows[1:]):
        for column in zip(columns, columns[1:]):
            yield slice(*row), slice(*column)


def cut_out(
    image: np.ndarray,
    region: Tuple[slice, slice],
    canvas: np.ndarray,
    pad_val: Union[float, Sequence[float]],
) -> np.ndarray:
    """A region of an image, or of the padding around it."""
    if region[0].stop <= image.shape[0] and region[1].stop <= image.shape[1]:
        return image[region]
    padding = np.empty_like(canvas[region])
    padding[...] = pad_val
    return padding


def pad_to(
    array: np.ndarray, shape: Tuple[int, int], pad_val: Union[float, Sequence[float]]
) -> np.ndarray:
    """Pad an image or a map (H, W[, C]) at its bottom and right to ``shape``.

    What has that shape already is returned itself.
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
    pixel by pixel, ten times slower than flipping it. An image (H, W[, C]) that lies so
    already is returned itself, unless there is an ``out`` of its shape to be written.
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


def check_pad_val(pad_val: Any) -> None:
    """Raise a ``ValueError`` if it is no pixel value and no sequence of some."""
    values = pad_val if isinstance(pad_val, (list, tuple)) else [pad_val]
    for value in values or [None]:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not 0 <= value <= 65535:  # of images of 16 bit
            raise ValueError(
                f'Set `pad_val` to a pixel value, or one for each channel: {pad_val!r}.'
            )


def check_pad_val_for(image: np.ndarray, pad_val: Any) -> None:
    """Raise a ``ValueError`` if an image (H, W[, C]) cannot hold a pixel value."""
    values = pad_val if isinstance(pad_val, (list, tuple)) else [pad_val]
    channels = image.shape[2] if image.ndim > 2 else 1
    too_large = image.dtype == np.uint8 and max(values) > 255
    if too_large or len(values) not in (1, channels):
        raise ValueError(
            f'Set `pad_val` to a value of {image.dtype} images with {channels} '
            f'channels, or one for each channel: got {pad_val!r}.'
        )


def check_alike(image: np.ndarray, partner: np.ndarray) -> None:
    """Raise a ``ValueError`` if two images differ in dtype or channels."""
    if image.dtype != partner.dtype or image.shape[2:] != partner.shape[2:]:
        raise ValueError(
            'Load all images alike (`color_type`, `to_float32` of LoadImageFromFile): '
            f'got {image.dtype} {image.shape} and {partner.dtype} {partner.shape}.'
        )


def blend(
    image: np.ndarray,
    partner: np.ndarray,
    lam: float,
    pad_val: Union[float, Sequence[float]] = 114,
) -> np.ndarray:
    """Equation (1) on a canvas as large as the larger of either side.

    Both images lie at its top left corner.

    Args:
        image (np.ndarray): Shape (H, W) or (H, W, C), 8 or 16 bit or floating point.
        partner (np.ndarray): Shape (H', W') or (H', W', C), of the same dtype.
        lam (float): Weight of ``image``, in [0, 1].
        pad_val (float or Sequence[float]): Value of the canvas where an image does
            not reach, one for all channels or one for each. Defaults to 114.

    Returns:
        np.ndarray: A new array of the same dtype, shape (max(H, H'), max(W, W')[, C]).

    Raises:
        ValueError: If dtype or channels differ, or OpenCV cannot add the dtype.
    """
    if image.dtype.name not in OPENCV_DTYPES:
        raise ValueError(
            f'Convert images before mixing to one of {", ".join(OPENCV_DTYPES)}: got '
            f'{image.dtype}.'
        )
    check_alike(image, partner)
    image, partner = in_c_order(image), in_c_order(partner)
    if image.shape == partner.shape:
        return blend_images(image, partner, lam)
    canvas = canvas_shape(image.shape, partner.shape)
    mixed = np.empty((*canvas, *image.shape[2:]), image.dtype)
    for region in regions(image.shape, partner.shape):
        own, other = (cut_out(i, region, mixed, pad_val) for i in (image, partner))
        blend_images(own, other, lam, mixed[region])
    return mixed
