from .boxes import BoxPainter
from .browse import browse_mixed
from .curves import draw_curves, find_scalars, read_curves
from .detections import draw_detections, evaluate_classes, read_results
from .grid import draw_grid
from .image import to_rgb_images
from .mix_statistics import MixStatistics
from .mixed import draw_mixed_sample
from .train_batches import TrainBatches

__all__ = [
    'BoxPainter',
    'MixStatistics',
    'TrainBatches',
    'browse_mixed',
    'draw_curves',
    'draw_detections',
    'draw_grid',
    'draw_mixed_sample',
    'evaluate_classes',
    'find_scalars',
    'read_curves',
    'read_results',
    'to_rgb_images',
]
