"""A run to other people's formats. Only its Keras form starts TensorFlow."""
