// What this page says, in English and Chinese; the explanations' own words are in language.js.
import { language, say } from "./language.js";

const PHRASES = {
  model: ["Model", "模型"],
  against: ["Beside it", "对照模型"],
  nothing_beside: ["nothing", "无"],
  parameters: ["{number} parameters", "{number} 个参数"],
  classes: ["{number} classes", "{number} 个类别"],
  key: ["This server asks for an API key.", "此服务器需要 API 密钥。"],
  key_use: ["Use it", "使用"],
  no_model: ["No model is served", "尚未提供模型"],
  no_model_demo: [
    "Train two small ones on embedded data in about five minutes, then serve them:",
    "用内置数据训练两个小模型（约五分钟），然后提供服务：",
  ],
  no_model_own: [
    "Or give the folders of your own: patchword serve runs/en-de runs/photos. A published one is named hf:owner/name.",
    "也可以使用自己的模型文件夹：patchword serve runs/en-de runs/photos。已发布的模型写作 hf:owner/name。",
  ],
  text: ["Translate", "翻译"],
  image: ["Classify", "分类"],
  source: ["Write in {language}", "请输入{language}"],
  samples: ["Samples to try", "可以试试的例子"],
  translating: ["Translating …", "正在翻译……"],
  looking: ["Looking where each word came from …", "正在查看每个词的来源……"],
  many: ["Choose a sentence to look inside it.", "选择一个句子以查看细节。"],
  back: ["Back to the model’s own", "恢复模型原来的译文"],
  drop: ["Drop a picture here, paste one, or", "把图片拖到这里、粘贴图片，或者"],
  choose_file: ["Choose a picture", "选择图片"],
  photograph: ["Take a photo", "拍照"],
  classifying: ["Looking at the picture …", "正在识别图片……"],
  classified: ["{class}, {percent}", "{class},{percent}"],
  mapping: ["Looking where it looked …", "正在查看模型关注的位置……"],
  copy: ["Copy", "复制"],
  copied: ["Copied.", "已复制。"],
  not_copied: ["The browser does not allow copying; select the text instead.", "浏览器不允许复制，请手动选择文字。"],
  share: ["Share as a file", "存为文件分享"],
  sharing: ["Writing the file …", "正在生成文件……"],
  shared: ["Saved as {name}: one page that opens anywhere, without a network.", "已保存为 {name}：无需网络即可打开的单页文件。"],
  walk: ["Walk through the model, step by step", "逐步了解模型"],
  walking: ["Writing down every step …", "正在记录每一步……"],
  away: [
    "The server does not answer; it is asked again every few seconds.",
    "服务器没有响应，每隔几秒会再次尝试。",
  ],
  plain: ["{sentence}", "{sentence}"],
  foot: ["What you write and show here goes to this server and nowhere else.", "您在此输入的内容只发送到本服务器。"],
  api: ["The server’s API", "服务器 API"],
};

/** A phrase in the page's language, its {names} replaced by values. */
export function phrase(key, values = {}) {
  return PHRASES[key][language() === "zh" ? 1 : 0].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Fills a node with a phrase, in whichever language the page is. */
export const saying = (node, key, values) => say(node, () => phrase(key, values));

/** A language's name in the page's language; a code that nobody knows stays what it is. */
export function languageName(code) {
  try {
    return new Intl.DisplayNames([language()], { type: "language" }).of(code.replace("_", "-")) ?? code;
  } catch {
    return code;
  }
}

/** 1234567 as "1.23 million", or "123万". */
export const shortNumber = (number) =>
  new Intl.NumberFormat(language(), { notation: "compact", compactDisplay: "long", maximumSignificantDigits: 3 }).format(number);
