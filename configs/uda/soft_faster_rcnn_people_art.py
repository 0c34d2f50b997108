# LossMix with soft labels: what is found is a label with the probability of its score.
_base_ = 'lossmix_adaptation_faster_rcnn_people_art.py'

model = dict(pseudo_labels=dict(score_thr=0.05, soft=True))
