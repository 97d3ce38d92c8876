package demo

// scenario is what happens before the shelf camera in the drawn video.
const scenario = `
seconds 50
take left@5s                      # Anna takes a bottle of water
take middle@11s                   # a carton of juice
take middle-right@17s             # and a cola
return left@23s                   # the water goes back, turned
touch right@28s                   # she only touches the honey
misplace middle=cola-can@34s      # the cola goes back to where the juice stood
pass@39s                          # somebody walks by
take middle-left@44s              # a box of biscuits
`
