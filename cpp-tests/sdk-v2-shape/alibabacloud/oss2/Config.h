// The SDK's version and build options.
#pragma once

#define ALIBABACLOUD_OSS_SDK_VERSION_STR "shape"
#define ALIBABACLOUD_OSS_HAS_CURL
