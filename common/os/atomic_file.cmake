millrace_library(millrace_atomic_file SOURCES atomic_file.cc place.cc publish_together.cc DEPS millrace_base
                     millrace_os PRIVATE_DEPS deps::fmt)
