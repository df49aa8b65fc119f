millrace_library(millrace_atomic_file SOURCES atomic_file.cc dir_entry.cc batch_publish.cc DEPS millrace_base
                     millrace_os PRIVATE_DEPS deps::fmt)
