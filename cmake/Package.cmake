# cpack in the build directory makes a .tar.gz of everything and three .deb packages: one to run programs, one to build
# them, and the command. Configure with -DCMAKE_INSTALL_PREFIX=/usr to use the distribution's directories.

set(CPACK_GENERATOR "TGZ;DEB")
set(CPACK_PACKAGE_NAME "oss-resumable")
set(CPACK_PACKAGE_VENDOR "oss-resumable")
set(CPACK_PACKAGE_CONTACT "the maintainers of oss-resumable")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Resumable, verified downloads of large objects from Alibaba Cloud OSS")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_COMPONENTS_ALL oss_resumable_runtime oss_resumable_development)
if(OSS_RESUMABLE_BUILD_COMMAND)
    list(APPEND CPACK_COMPONENTS_ALL oss_resumable_tools)
endif()

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# Until 1.0 each minor version has its own ABI, so two of them can be installed side by side.
set(CPACK_DEBIAN_OSS_RESUMABLE_RUNTIME_PACKAGE_NAME "liboss-resumable${oss_resumable_abi}")
set(CPACK_DEBIAN_OSS_RESUMABLE_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_OSS_RESUMABLE_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_OSS_RESUMABLE_DEVELOPMENT_PACKAGE_NAME "liboss-resumable-dev")
set(CPACK_DEBIAN_OSS_RESUMABLE_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_OSS_RESUMABLE_DEVELOPMENT_PACKAGE_DEPENDS
    "liboss-resumable${oss_resumable_abi} (= ${PROJECT_VERSION}), libcurl4-openssl-dev, libssl-dev")
set(CPACK_DEBIAN_OSS_RESUMABLE_TOOLS_PACKAGE_NAME "oss-resumable")
set(CPACK_DEBIAN_OSS_RESUMABLE_TOOLS_PACKAGE_SECTION net)
set(CPACK_DEBIAN_OSS_RESUMABLE_TOOLS_PACKAGE_SHLIBDEPS ON)
# As curl does: without them no certificate is trusted.
set(CPACK_DEBIAN_OSS_RESUMABLE_TOOLS_PACKAGE_RECOMMENDS "ca-certificates")

include(CPack)
