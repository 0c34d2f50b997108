from .boxes import BoxPainter
from .grid import draw_grid
from .image import to_rgb_images
from .mixed import draw_mixed_sample

__all__ = ['BoxPainter', 'draw_grid', 'draw_mixed_sample', 'to_rgb_images']
