// Starts the viewer of the API's description. A file of its own: the pages' policy allows no inline script.
"use strict";

SwaggerUIBundle({
  url: document.getElementById("api").dataset.url,
  domNode: document.getElementById("api"),
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  tryItOutEnabled: true,
  persistAuthorization: false,
  validatorUrl: null, // its default asks another host
});
