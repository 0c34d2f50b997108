# Strong augmentation and a teacher that follows; the target is never seen.
_base_ = 'adaptive_teacher_faster_rcnn_clipart.py'

model = dict(pseudo_labels=None, discriminator=None)
