_base_ = ['../_base_/thin_fcos.py', '_base_/synthetic.py']
