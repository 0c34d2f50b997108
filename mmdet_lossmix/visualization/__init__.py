from .boxes import BoxPainter
from .browse import browse_mixed
from .grid import draw_grid
from .image import to_rgb_images
from .mixed import draw_mixed_sample

__all__ = [
    'BoxPainter',
    'browse_mixed',
    'draw_grid',
    'draw_mixed_sample',
    'to_rgb_images',
]
