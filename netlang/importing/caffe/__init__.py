"""Networks of Caffe: a prototxt file and its solver as the text of a program."""
