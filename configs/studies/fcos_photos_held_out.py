_base_ = ['../_base_/lite0_fcos.py', '_base_/photos_held_out.py']
