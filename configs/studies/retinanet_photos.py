_base_ = ['../_base_/lite0_retinanet.py', '_base_/photos.py']
