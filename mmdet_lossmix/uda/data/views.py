"""The branches of a batch; weak and strong views show everything at the same place."""

# Of mmdet's semi-supervised detectors: the labelled source, weak and strong views of
# the target.
SUP, WEAK, STRONG = 'sup', 'unsup_teacher', 'unsup_student'
