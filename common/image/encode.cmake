millrace_library(millrace_image_encode SOURCES encode.cc DEPS millrace_base PRIVATE_DEPS
                     deps::fmt deps::opencv deps::png deps::webp)
