// The SDK writes here how it was built.
#pragma once

#define ALIBABACLOUD_OSS_SDK_VERSION_STR "shape"
#define ALIBABACLOUD_OSS_HAS_CURL
