# Adaptation mixes across domains only.
_base_ = 'lossmix_faster_rcnn_clipart.py'

model = dict(adaptation_mix=dict(inter_share=1.0))
