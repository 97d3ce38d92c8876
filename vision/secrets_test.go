package vision

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// TestAPasswordTypedIntoSettingsIsRefusedAndNotRepeated: wherever cameras take it.
func TestAPasswordTypedIntoSettingsIsRefusedAndNotRepeated(t *testing.T) {
	for source, refused := range map[string]bool{
		"rtsp://admin:hunter2@10.0.0.7/1":                             true,
		"rtsp://admin:hun%2Fter2@10.0.0.7/1":                          true,
		"RTSP://admin:hunter2@10.0.0.7":                               true,
		"http://${CAMERA_1}:hunter2@10.0.0.7/1":                       true,
		"rtsp://admin:hunter2@home@10.0.0.7/1":                        true,
		"rtsp://admin:${CAMERA_1}hunter2@10.0.0.7/1":                  true,
		"http://10.0.0.7/video?user=admin&password=hunter2":           true,
		"http://10.0.0.7/video?pwd=hunter2&fps=9":                     true,
		"rtsp://10.0.0.7/user=admin_Password=hunter2_channel=1":       true,
		"http://10.0.0.7/video?token=hunter2":                         true,
		"rtsp://${CAMERA_1}@10.0.0.7/1":                               false,
		"rtsp://admin:${CAMERA_1}@10.0.0.7/1":                         false,
		"rtsp://admin@10.0.0.7/1":                                     false,
		"rtsp://admin:@10.0.0.7/1":                                    false,
		"rtsp://10.0.0.7:554/1":                                       false,
		"rtsp://10.0.0.7:554/at@noon":                                 false,
		"http://10.0.0.7/video?user=admin&password=${CAMERA_1}&fps=9": false,
		"http://10.0.0.7/video?compass=north":                         false,
		"/dev/video0":                                                 false,
		"0":                                                           false,
	} {
		settings, err := json.Marshal(map[string]any{"cameras": []any{map[string]any{"name": "cam-1", "source": source}}})
		if err != nil {
			t.Fatal(err)
		}
		err = CheckSecrets(settings)
		if errors.Is(err, ErrSecret) != refused {
			t.Errorf("CheckSecrets(%s) = %v, want a refusal: %v", source, err, refused)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "10.0.0.7")) {
			t.Errorf("the refusal of %s is %q, want the camera and not its password", source, err)
		}
		cart, err := json.Marshal(map[string]any{"cart": map[string]any{"camera": source}})
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckSecrets(cart); errors.Is(err, ErrSecret) != refused {
			t.Errorf("CheckSecrets of a cart at %s = %v, want a refusal: %v", source, err, refused)
		}
	}
	for _, none := range []string{`{}`, `{"cameras":[{"source":"rtsp://a:b@`, ``} {
		if err := CheckSecrets([]byte(none)); err != nil {
			t.Errorf("CheckSecrets(%s) = %v", none, err)
		}
	}
}
