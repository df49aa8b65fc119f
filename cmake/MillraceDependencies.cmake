# Every library the project uses, as one imported target each: deps::NAME. The Debian packages are
# listed in scripts/install-deps.sh. A header-only library is found by its header, since the names
# of the CMake configurations differ between Debian 12 and 13.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

function(millrace_header_only name header package)
  cmake_parse_arguments(ARG "" "" "DEFINES;SUFFIXES" ${ARGN})
  string(TOUPPER ${name} upper)
  find_path(${upper}_INCLUDE_DIR ${header} PATH_SUFFIXES ${ARG_SUFFIXES})
  if(NOT ${upper}_INCLUDE_DIR)
    message(FATAL_ERROR "${header} was not found: install ${package}, or run scripts/install-deps.sh")
  endif()
  add_library(deps_${name} INTERFACE)
  target_include_directories(deps_${name} SYSTEM INTERFACE ${${upper}_INCLUDE_DIR})
  target_compile_definitions(deps_${name} INTERFACE ${ARG_DEFINES})
  add_library(deps::${name} ALIAS deps_${name})
endfunction()

function(millrace_pkg_config name module)
  # Asked anew every time: from its cache CMake (3.25) gives an -isystem of the flags another
  # form than at first, which would compile everything a second time.
  unset(${name}_FOUND CACHE)
  pkg_check_modules(${name} QUIET IMPORTED_TARGET GLOBAL ${module})
  if(NOT ${name}_FOUND)
    message(FATAL_ERROR "${module} was not found by pkg-config: run scripts/install-deps.sh")
  endif()
  add_library(deps::${name} ALIAS PkgConfig::${name})
endfunction()

millrace_header_only(expected tl/expected.hpp libexpected-dev)
millrace_header_only(doctest doctest/doctest.h doctest-dev)

if(NOT MILLRACE_ONLY_MODELS)
  millrace_header_only(cppzmq zmq.hpp cppzmq-dev)
  millrace_header_only(msgpack msgpack.hpp libmsgpack-cxx-dev DEFINES MSGPACK_NO_BOOST)
  millrace_header_only(cli11 CLI/CLI.hpp libcli11-dev)
  millrace_header_only(json nlohmann/json.hpp nlohmann-json3-dev)
  millrace_pkg_config(zmq libzmq)
  millrace_pkg_config(yaml yaml-cpp)
  millrace_pkg_config(curl libcurl)
  millrace_pkg_config(crypto libcrypto)
  find_package(SQLiteCpp REQUIRED)
  add_library(deps_sqlite INTERFACE)
  target_link_libraries(deps_sqlite INTERFACE SQLiteCpp)
  add_library(deps::sqlite ALIAS deps_sqlite)
  find_package(fmt REQUIRED)
  add_library(deps::fmt ALIAS fmt::fmt)
  find_package(spdlog REQUIRED)
  add_library(deps::spdlog ALIAS spdlog::spdlog)

  millrace_pkg_config(jpeg libjpeg)
  millrace_pkg_config(png libpng)
  millrace_pkg_config(webp libwebp)
  millrace_pkg_config(webpdemux libwebpdemux)
  millrace_pkg_config(hwy libhwy)
  pkg_check_modules(heif QUIET IMPORTED_TARGET GLOBAL libheif)

  # OpenCV by hand: OpenCVConfig.cmake comes with libopencv-dev, which pulls in two hundred packages.
  find_path(OPENCV_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4)
  add_library(deps_opencv INTERFACE)
  target_include_directories(deps_opencv SYSTEM INTERFACE ${OPENCV_INCLUDE_DIR})
  foreach(module imgcodecs imgproc core)
    find_library(OPENCV_${module}_LIBRARY opencv_${module} REQUIRED)
    target_link_libraries(deps_opencv INTERFACE ${OPENCV_${module}_LIBRARY})
  endforeach()
  add_library(deps::opencv ALIAS deps_opencv)
endif()
