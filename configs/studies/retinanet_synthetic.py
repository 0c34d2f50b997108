_base_ = ['../_base_/thin_retinanet.py', '_base_/synthetic.py']
