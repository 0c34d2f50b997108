_base_ = ['_base_/lite0_faster_rcnn_person.py', '_base_/people_art_source.py']
