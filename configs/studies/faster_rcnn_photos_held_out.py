_base_ = ['../_base_/lite0_faster_rcnn.py', '_base_/photos_held_out.py']
