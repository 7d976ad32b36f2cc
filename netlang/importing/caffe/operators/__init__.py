"""Layers of Caffe as operators, by the type of the layer."""
