_base_ = ['../_base_/thin_faster_rcnn.py', '_base_/synthetic.py']
