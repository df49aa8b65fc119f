# LibTorch as deps::torch, from Debian's libtorch-dev or, with MILLRACE_TORCH_FROM_PYTHON, from the
# torch package of the python3 on PATH (a CUDA one too). Found by hand: TorchConfig.cmake asks for a
# whole CUDA toolkit where all that is needed are the headers and libraries of the package itself.

if(MILLRACE_TORCH_FROM_PYTHON)
  find_program(MILLRACE_TORCH_PYTHON NAMES python3 python)
  # Found without importing it: that would need a driver's libraries to be there already.
  execute_process(
    COMMAND ${MILLRACE_TORCH_PYTHON} -c
      "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
    OUTPUT_VARIABLE torch_root OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET
    RESULT_VARIABLE torch_status)
  if(NOT torch_status EQUAL 0)
    message(FATAL_ERROR "${MILLRACE_TORCH_PYTHON} has no torch package: activate the environment "
      "that has one, or set MILLRACE_TORCH_PYTHON")
  endif()
  set(torch_hints ${torch_root}/include)
  set(torch_library_hints ${torch_root}/lib)
endif()

find_path(TORCH_INCLUDE_DIR torch/script.h HINTS ${torch_hints})
if(NOT TORCH_INCLUDE_DIR)
  message(FATAL_ERROR "torch/script.h was not found: install libtorch-dev, or run "
    "scripts/install-deps.sh; MILLRACE_MODELS=OFF builds without it")
endif()
add_library(deps_torch INTERFACE)
target_include_directories(deps_torch SYSTEM INTERFACE
  ${TORCH_INCLUDE_DIR} ${TORCH_INCLUDE_DIR}/torch/csrc/api/include)
foreach(library torch torch_cpu c10)
  find_library(TORCH_${library}_LIBRARY ${library} HINTS ${torch_library_hints} REQUIRED)
  target_link_libraries(deps_torch INTERFACE ${TORCH_${library}_LIBRARY})
endforeach()
# Nothing refers to the CUDA library by name: it registers itself when it is loaded.
find_library(TORCH_cuda_LIBRARY torch_cuda HINTS ${torch_library_hints})
if(TORCH_cuda_LIBRARY)
  target_link_libraries(deps_torch INTERFACE
    -Wl,--push-state,--no-as-needed ${TORCH_cuda_LIBRARY} -Wl,--pop-state
    # Its own dependencies are found at run time by its own run path.
    -Wl,--allow-shlib-undefined)
endif()
# Wheels before 2.7 use the old std::string, which the rest of the build does not.
if(MILLRACE_TORCH_FROM_PYTHON)
  file(STRINGS ${torch_root}/version.py torch_version REGEX "^__version__")
  string(REGEX MATCH "[0-9]+[.][0-9]+" torch_version "${torch_version}")
  if(torch_version VERSION_LESS 2.7)
    message(FATAL_ERROR "the torch package is ${torch_version}: 2.7 or later is needed")
  endif()
endif()
add_library(deps::torch ALIAS deps_torch)
message(STATUS "LibTorch: ${TORCH_torch_LIBRARY}")
