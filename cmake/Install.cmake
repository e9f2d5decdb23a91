# Installs the libraries, the headers, the CMake package, the pkg-config file and the command. All may be moved
# afterwards.

include(CMakePackageConfigHelpers)

# Files that programs need to run, and files that are needed to build programs.
set(runtime COMPONENT oss_resumable_runtime)
set(development COMPONENT oss_resumable_development)

install(FILES "${oss_resumable_shared}" "${oss_resumable_lib_dir}/${oss_resumable_soname}"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}" ${runtime})
install(FILES "${oss_resumable_lib_dir}/liboss_resumable.so"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}" ${development})
if(OSS_RESUMABLE_STATIC)
    install(FILES "${oss_resumable_static}" DESTINATION "${CMAKE_INSTALL_LIBDIR}" ${development})
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/oss_resumable" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        ${development} FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")

# The command contains the library: it needs none of the other files.
if(OSS_RESUMABLE_BUILD_COMMAND)
    set(tools COMPONENT oss_resumable_tools)
    install(PROGRAMS "${oss_resumable_program_dir}/oss-resumable" DESTINATION "${CMAKE_INSTALL_BINDIR}" ${tools})
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/cli/man/" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" ${tools}
            FILES_MATCHING PATTERN "*.1")
endif()

# What a program that uses the OSS C++ SDK compiles and links with.
set(sdk_dir "${CMAKE_INSTALL_DATADIR}/oss_resumable/sdk")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/sdk/" DESTINATION "${sdk_dir}" ${development})
if(TARGET oss_resumable_sdk)
    install(TARGETS oss_resumable_sdk oss_resumable_sdk_downloads
            DESTINATION "${CMAKE_INSTALL_LIBDIR}" ${runtime})
endif()

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/OssResumable")
configure_package_config_file(
    "${PROJECT_SOURCE_DIR}/cmake/OssResumableConfig.cmake.in"
    "${PROJECT_BINARY_DIR}/OssResumableConfig.cmake"
    INSTALL_DESTINATION "${package_dir}"
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR sdk_dir)
# Until 1.0 each minor version has its own ABI.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/OssResumableConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/OssResumableConfig.cmake"
              "${PROJECT_BINARY_DIR}/OssResumableConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/OssResumableSdk.cmake"
        DESTINATION "${package_dir}" ${development})

# The path from the .pc file to the prefix, so that the installed files can be moved.
file(RELATIVE_PATH pc_to_prefix "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
file(RELATIVE_PATH prefix_to_lib "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_LIBDIR}")
file(RELATIVE_PATH prefix_to_include "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
file(RELATIVE_PATH prefix_to_sdk "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_DATADIR}/oss_resumable/sdk")
# libcurl and OpenSSL are listed as libraries, not in Requires.private. Programs that link the shared library then do
# not need their development files, and static programs do not need those of all the libraries that libcurl uses.
set(pc_libs_private ${oss_resumable_static_libraries})
if(NOT OSS_RESUMABLE_STATIC_CURL)
    list(PREPEND pc_libs_private curl ssl crypto)
endif()
list(TRANSFORM pc_libs_private PREPEND "-l")
list(JOIN pc_libs_private " " pc_libs_private)
foreach(name oss_resumable oss_resumable_sdk)
    configure_file("${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in" "${PROJECT_BINARY_DIR}/${name}.pc" @ONLY)
endforeach()
install(FILES "${PROJECT_BINARY_DIR}/oss_resumable.pc" "${PROJECT_BINARY_DIR}/oss_resumable_sdk.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" ${development})
