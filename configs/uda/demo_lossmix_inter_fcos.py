# Adaptation mixes across domains only.
_base_ = 'demo_lossmix_fcos.py'

model = dict(adaptation_mix=dict(inter_share=1.0))
