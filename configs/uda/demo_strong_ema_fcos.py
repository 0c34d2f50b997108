# Strong augmentation and a teacher that follows; the target is never seen.
_base_ = 'demo_adaptive_teacher_fcos.py'

model = dict(pseudo_labels=None, discriminator=None)
