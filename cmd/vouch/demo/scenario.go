package demo

// scenario is what happens before the shelf camera in the drawn video.
const scenario = `
seconds 54
take left@5s                      # Anna takes a bottle of water
touch middle@10s                  # and only touches the juice
take middle-right@15s             # a cola
pass@20s                          # somebody walks by
take right@26s                    # a jar of honey
return left@32s                   # the water goes back, turned
rest middle-left@38s for 3s       # a hand rests on the biscuits
hidden take middle@46s            # the juice, behind somebody who stands in front
`
