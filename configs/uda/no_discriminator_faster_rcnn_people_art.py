# Adaptive Teacher by its pseudo labels alone.
_base_ = 'adaptive_teacher_faster_rcnn_people_art.py'

model = dict(discriminator=None)
