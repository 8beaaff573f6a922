// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
