# The source alone, gone on with from the same weights; the target is never seen.
_base_ = 'adaptive_teacher_fcos_people_art.py'

model = dict(pseudo_labels=None, discriminator=None)
